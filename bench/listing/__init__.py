"""How long a page of a list takes out of a million records, on DynamoDB Local: run by hand."""
