"""The job store on DynamoDB."""
