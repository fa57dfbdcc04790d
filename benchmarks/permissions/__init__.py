"""What each role may do and why: grants from the synthesized templates, reasons from docs/permissions.toml."""
