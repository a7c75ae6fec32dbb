"""What `rtdeclip bench` runs on a user's machine."""
