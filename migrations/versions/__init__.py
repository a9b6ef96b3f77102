"""The migrations, one file each: NNNN_(pre|post)_what.py, before (pre) or after (post) a release."""
