"""A live session as the interviewer follows it: what arrives, what it means by the key, what was asked and noted.

Nothing here ever runs on a candidate's server: it reads the intake's stream, and it knows the key.
"""
