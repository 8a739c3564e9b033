// A story told by the client that oapi-codegen wrote: story URL PICTURE
package main

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"

	"story/api"
)

var ctx = context.Background()

func check(ok bool, said any) {
	if !ok {
		log.Fatalf("story: %v", said)
	}
}

func text(said string, delay *int) api.SubmitAsk {
	var asked api.SubmitAsk
	err := asked.FromTextTransformSubmission(api.TextTransformSubmission{
		Payload:      api.TextTransformPayload{Text: said},
		DelaySeconds: delay,
	})
	check(err == nil, err)
	return asked
}

func submitted(client *api.ClientWithResponses, asked api.SubmitAsk, key *string) api.JobView {
	answer, err := client.SubmitJobWithResponse(ctx, &api.SubmitJobParams{IdempotencyKey: key}, asked)
	check(err == nil, err)
	if answer.JSON200 != nil {
		return *answer.JSON200
	}
	check(answer.JSON202 != nil, string(answer.Body))
	return *answer.JSON202
}

func ended(client *api.ClientWithResponses, id string) api.JobView {
	wait := 20.0
	answer, err := client.ShowJobWithResponse(ctx, id, &api.ShowJobParams{Wait: &wait})
	check(err == nil, err)
	check(answer.JSON200 != nil && answer.JSON200.Status == api.SUCCEEDED, string(answer.Body))
	return *answer.JSON200
}

func tellOfTexts(client *api.ClientWithResponses) {
	key := "go"
	job := submitted(client, text("hello", nil), &key)
	check(submitted(client, text("hello", nil), &key).JobId == job.JobId, "a second job")
	result, ok := ended(client, job.JobId).Result.(map[string]any)
	check(ok && result["uppercase"] == "HELLO", result)
	var one api.BatchJobAsk
	err := one.FromTextTransformBatchJob(api.TextTransformBatchJob{Payload: api.TextTransformPayload{Text: "many"}})
	check(err == nil, err)
	answer, err := client.SubmitJobsWithResponse(ctx, nil, api.BatchAsk{Jobs: []api.BatchJobAsk{one}})
	check(err == nil, err)
	check(answer.JSON200 != nil && answer.JSON200.Jobs[0].Status == 202, string(answer.Body))
}

func tellOfPictures(client *api.ClientWithResponses, picture []byte) {
	stored, err := client.UploadArtifactWithBodyWithResponse(ctx, "image/jpeg", bytes.NewReader(picture))
	check(err == nil && stored.JSON201 != nil, err)
	fetched, err := client.DownloadArtifactWithResponse(ctx, stored.JSON201.ArtifactId)
	check(err == nil && bytes.Equal(fetched.Body, picture), err)
	var asked api.SubmitAsk
	err = asked.FromImageGrayscaleSubmission(api.ImageGrayscaleSubmission{
		Payload: api.ImageGrayscalePayload{Source: stored.JSON201.Source},
	})
	check(err == nil, err)
	job := submitted(client, asked, nil)
	ended(client, job.JobId)
	made, err := client.DownloadJobArtifactWithResponse(ctx, job.JobId)
	check(err == nil && bytes.HasPrefix(made.Body, []byte{0xff, 0xd8, 0xff}), err)
}

func tellOfErrors(client *api.ClientWithResponses) {
	nobody, err := client.ShowJobWithResponse(ctx, "nobody", nil)
	check(err == nil && nobody.ApplicationproblemJSON404 != nil, err)
	check(nobody.ApplicationproblemJSON404.Type == "urn:cqworker:problem:job-not-found", string(nobody.Body))
	late := 31_622_401
	refused, err := client.SubmitJobWithResponse(ctx, nil, text("x", &late))
	check(err == nil && refused.ApplicationproblemJSON422 != nil, err)
	check((*refused.ApplicationproblemJSON422.Errors)[0].Pointer == "/delay_seconds", string(refused.Body))
}

func main() {
	client, err := api.NewClientWithResponses(os.Args[1])
	check(err == nil, err)
	picture, err := os.ReadFile(os.Args[2])
	check(err == nil, err)
	tellOfTexts(client)
	tellOfPictures(client, picture)
	tellOfErrors(client)
	fmt.Println("told")
}
