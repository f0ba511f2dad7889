DROP TABLE stream_progress;
DROP TABLE export_progress;
