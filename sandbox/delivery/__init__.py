"""Runs a delivery pipeline as AWS CodePipeline would: its stages in order, each build's commands for real.

A pipeline is read from the template that was synthesized for it. Sources are a clean checkout, builds run the commands
of their buildspec in it, CloudFormation actions deploy into the embedded AWS.
"""
