"""The job server held against the plan (law H2): what it emitted, wrote and answered, and what of it arrived."""
