"""The model server: the process that answers for one variant of an endpoint, as AWS's XGBoost image would."""
