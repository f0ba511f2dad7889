"""People who use the gateway: users, their roles, how they log in, and their sessions.

A session is a client like a key: the same doors, the same scopes. What a person may do follows from the roles that
the person has in the environment that the session looks at.
"""
