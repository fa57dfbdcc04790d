"""Scripts that run in the environment of a peer: ``python contest.py MODULE JOB``. One imports Tandem."""
