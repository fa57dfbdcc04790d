"""NannyML's univariate drift: Jensen-Shannon distance of every column, the current rows as one chunk."""

import warnings

import frames
import nannyml
from contest import Answer, Job


def solve(job: Job) -> Answer:
    """Fit the calculator on the reference and calculate the current rows."""
    warnings.simplefilter("ignore")
    reference, current = frames.reference(job), frames.current(job)
    names = [*job.numbers, *job.texts]
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=names,
        treat_as_categorical=list(job.texts),
        continuous_methods=["jensen_shannon"],
        categorical_methods=["jensen_shannon"],
        chunk_number=1,
    )
    calculator.fit(reference)
    result = calculator.calculate(current).filter(period="analysis").to_df()
    distances = {name: float(result[name, "jensen_shannon", "value"].iloc[0]) for name in names}
    drifted = [name for name in names if bool(result[name, "jensen_shannon", "alert"].iloc[0])]
    return Answer(rows=len(current), distances=distances, drifted=drifted)
