"""The inside of the sandbox: standard library only, and nothing here holds a check, a key or an expected answer.

The parent imports `codec` too, since both ends of the wire must agree; everything else runs in the guest's process.
"""
