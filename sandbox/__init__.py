"""The sandbox: an embedded AWS on this machine that runs what was synthesized, as AWS would.

It knows `cdk.out` and public AWS interfaces only; everything that touches the emulator's inside stands in `adapter`.
"""
