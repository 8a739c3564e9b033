"""SQS, DynamoDB and a little S3 in memory, in a process of their own: cheap per call, strict about what is sent."""
