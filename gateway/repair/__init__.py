"""What went wrong is proved, explained and put right: verify, evidence, replay, undo, the quarantine, plan."""
