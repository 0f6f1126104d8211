"""Verbs for complaints as cases: the case, its policies and clocks, its file, the decision, what is learnt, what is deleted."""
