-- What is searched: the words of each message, and messages that wait to be read for them.
CREATE TABLE to_index (
    message bigint NOT NULL PRIMARY KEY
);
INSERT INTO to_index SELECT pk FROM message;

CREATE TABLE search_index (
    message bigint   NOT NULL PRIMARY KEY,
    words   tsvector NOT NULL
);
CREATE INDEX search_index_words ON search_index USING gin (words);
