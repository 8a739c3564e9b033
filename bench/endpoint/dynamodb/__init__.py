"""DynamoDB: tables of items, conditions and updates compiled once per text, PartiQL for the statements of a batch."""
