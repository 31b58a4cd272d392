/** The transcoders' reports, and what operators see and ask of transcoders. The Fleet object decides. */
import { type Context, Hono } from "hono";
import type { Fleet } from "../../durable-objects/fleet.ts";
import {
  MAX_REPORT_BYTES,
  ReportSchema,
  TranscoderIdSchema,
  type TranscoderRecord,
} from "../../wire/fleet.ts";
import { parse } from "../../wire/parse.ts";
import { problem } from "../../wire/problem.ts";
import { readJson } from "../body.ts";
import type { OriginEnv } from "../env.ts";
import { notFound, respond } from "../problems.ts";
import { bearerOf, sameToken } from "./bearer.ts";
import { NO_STORE } from "./no-store.ts";

type App = { Bindings: OriginEnv };

/** `/transcoders`, behind the transcoders' own token. */
export const fleet = new Hono<App>();

fleet.use(async (c, next) => {
  const wanted = c.env.TRANSCODER_TOKEN;
  if (!wanted)
    return respond(problem(503, "no-transcoder-token", "TRANSCODER_TOKEN is not set on this origin."));
  const given = bearerOf(c.req.raw);
  if (given !== undefined && (await sameToken(given, wanted))) return next();
  const refusal = problem(401, "unauthorized", "The transcoder token is missing or wrong.");
  return respond(refusal, { "www-authenticate": "Bearer" });
});

fleet.put("/:id", async (c) => {
  const id = parse(TranscoderIdSchema, c.req.param("id"));
  if (!id.ok) return respond(notFound());
  const report = await readJson(c.req.raw, ReportSchema, MAX_REPORT_BYTES);
  if (!report.ok) return respond(report.error);
  const registered = await fleetOf(c).register(id.value, report.value);
  if (registered.ok) return c.json(registered.value, 200, NO_STORE);
  return registered.error.reason === "superseded"
    ? respond(problem(409, "superseded", "Another process has registered as this transcoder since."))
    : respond(problem(409, "too-many-transcoders", "This origin has as many transcoders as it can list."));
});

/** `/admin/transcoders`; whoever mounts it checks the admin token. */
export const fleetAdmin = new Hono<App>();

fleetAdmin.get("/", async (c) => c.json({ transcoders: await fleetOf(c).list() }, 200, NO_STORE));
fleetAdmin.post("/:id/drain", async (c) => answer(c, await fleetOf(c).setDrain(c.req.param("id"), true)));
fleetAdmin.post("/:id/undrain", async (c) => answer(c, await fleetOf(c).setDrain(c.req.param("id"), false)));

const fleetOf = (c: Context<App>): DurableObjectStub<Fleet> => c.env.FLEET.getByName("fleet");

const answer = (c: Context<App>, host: TranscoderRecord | undefined): Response =>
  host
    ? c.json(host, 200, NO_STORE)
    : respond(problem(404, "unknown-transcoder", "There is no such transcoder."));
