DROP INDEX conversations_agent;
