"""What must not change unnoticed, as files: `make golden` writes them anew, and `git diff` shows what that means."""
