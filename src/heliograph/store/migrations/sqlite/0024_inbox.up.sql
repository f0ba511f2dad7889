-- An agent's own conversations, and those of nobody, without looking at all the others.
CREATE INDEX conversations_agent ON conversations (workspace, environment, agent, updated_at, id);
