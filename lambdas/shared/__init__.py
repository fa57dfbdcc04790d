"""What every handler uses: ledger, clients, environment, notifications, telemetry, snapshot model."""
