"""Pages for customers: help centre, forms, status pages, question sheets, the portal, the chat window."""
