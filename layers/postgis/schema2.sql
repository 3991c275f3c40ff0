-- Version 2: small values that all nodes share.
CREATE TABLE onemap.setting (name text COLLATE "C" PRIMARY KEY, value text NOT NULL);
