"""The verbs: the only code that writes. `verb(tx, …)` checks, changes, emits what happened; never commits, renders or sends."""
