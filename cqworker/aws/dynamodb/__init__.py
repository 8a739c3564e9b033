"""The store of records on DynamoDB."""
