"""The only place that touches the emulator's inside.

`internals` names every inside part that is used and checks them at start; the other modules take them from there.
"""
