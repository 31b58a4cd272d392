/** The question for the timeline that the feed goes on from. It comes with the feed: a page that has none needs no schema of it. */
import { fail, ok, type Result } from "../../../media/result.ts";
import { parseJson } from "../../../wire/parse.ts";
import { type TimelineSnapshot, TimelineSnapshotSchema } from "../../../wire/timeline-snapshot.ts";
import { type AskError, ask } from "../api.ts";
import { type Place, timelinePath } from "../place.ts";

/** `GET /live/<stream>/timeline.json`; `missing` when there is nothing to play, `closed` when this viewer may not have it. */
export async function askTimeline(place: Place): Promise<Result<TimelineSnapshot, AskError>> {
  try {
    const response = await ask(timelinePath(place));
    if (response.status === 404) return fail("missing");
    if (response.status === 403) return fail("closed");
    const parsed = response.ok ? parseJson(TimelineSnapshotSchema, await response.text()) : fail("bad");
    return parsed.ok && parsed.value.timeline.stream === place.stream ? ok(parsed.value) : fail("unanswered");
  } catch {
    return fail("unanswered");
  }
}
