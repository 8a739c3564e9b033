// A story told by the client that openapi-typescript wrote: story.js URL PICTURE
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Job = components["schemas"]["JobView"];
type Submission = components["schemas"]["SubmitAsk"];

const [url, picture] = process.argv.slice(2) as [string, string];
const client = createClient<paths>({ baseUrl: url });

async function ended(job_id: string): Promise<Job> {
  const { data, error } = await client.GET("/jobs/{job_id}", { params: { path: { job_id }, query: { wait: 20 } } });
  assert.ok(data, JSON.stringify(error));
  assert.equal(data.status, "SUCCEEDED");
  return data;
}

async function submitted(body: Submission, key?: string): Promise<Job> {
  const header = key === undefined ? {} : { "Idempotency-Key": key };
  const { data, error } = await client.POST("/jobs", { body, params: { header } });
  assert.ok(data, JSON.stringify(error));
  return data;
}

async function tellOfTexts(): Promise<void> {
  const asked: Submission = { type: "text.transform", payload: { text: "hello" }, tags: ["story"] };
  const job = await submitted(asked, "typescript");
  assert.equal((await submitted(asked, "typescript")).job_id, job.job_id);
  assert.equal(((await ended(job.job_id)).result as { uppercase: string }).uppercase, "HELLO");
  const { data } = await client.POST("/jobs/batch", { body: { jobs: [asked] } });
  assert.equal(data?.jobs[0]?.status, 202);
  assert.ok(data?.jobs[0]?.job);
}

async function tellOfPictures(): Promise<void> {
  const bytes = readFileSync(picture);
  const { data: stored } = await client.POST("/artifacts", {
    body: bytes as unknown as string,
    bodySerializer: (body) => body,
    headers: { "Content-Type": "image/jpeg" },
  });
  assert.ok(stored);
  const params = { path: { artifact_id: stored.artifact_id } };
  const { data: fetched } = await client.GET("/artifacts/{artifact_id}", { params, parseAs: "arrayBuffer" });
  assert.ok(fetched && bytes.equals(new Uint8Array(fetched)));
  const job = await submitted({ type: "image.grayscale", payload: { source: stored.source } });
  await ended(job.job_id);
  const made = await client.GET("/jobs/{job_id}/artifact", {
    params: { path: { job_id: job.job_id } },
    parseAs: "arrayBuffer",
  });
  assert.deepEqual([...new Uint8Array(made.data!).slice(0, 3)], [0xff, 0xd8, 0xff]);
}

async function tellOfErrors(): Promise<void> {
  const { error: nobody } = await client.GET("/jobs/{job_id}", { params: { path: { job_id: "nobody" } } });
  assert.equal(nobody?.type, "urn:cqworker:problem:job-not-found");
  const late: Submission = { type: "text.transform", payload: { text: "x" }, delay_seconds: 31_622_401 };
  const { error: refused } = await client.POST("/jobs", { body: late });
  assert.deepEqual(refused?.errors?.map((fault) => fault.pointer), ["/delay_seconds"]);
}

await tellOfTexts();
await tellOfPictures();
await tellOfErrors();
