"""EventBridge Scheduler as AWS runs it: when schedules fall due and how their targets are called.

* `cron` and `expressions` read schedule expressions; `schedule` says when a schedule falls due.
* `targets` says what a target stands for; `delivery` calls it with the rights of its role, tries again, and keeps what
  failed in the dead-letter queue.
* `runner` makes sure that each due time is acted upon once, in order.

The resources themselves stay in the emulator; `sandbox.adapter.scheduler` connects the two.
"""
