"""Training and export (torch only, extra [train])."""
