/** Entry of the messages page: a member's conversations, or how to get in. */
import { byId, setText } from "../dom.ts";
import { App } from "./app.ts";
import { forgetIdentity, readIdentity, tookOver, watchIdentity } from "./identity.ts";
import { endSubscription } from "./notifications.ts";

/** Why there is nobody here. */
const WORDS = {
  nobody: "You are not signed in.",
  guest: "You are here as a guest. Messages are for people who have an account.",
  lapsed: "You are not signed in any more.",
  "signed-out": "You are signed out.",
} as const;

function showSignedOut(why: keyof typeof WORDS): void {
  document.documentElement.dataset.page = "signed-out";
  document.title = "Messages";
  setText(byId("signed-out-words", HTMLElement), WORDS[why]);
  byId("signed-out", HTMLElement).hidden = false;
  byId("columns", HTMLElement).hidden = true;
  byId("me", HTMLElement).hidden = true;
  byId("link-state", HTMLElement).hidden = true;
}

watchIdentity();
const identity = readIdentity();
if (tookOver()) await endSubscription();
if (identity === undefined || identity === "guest") showSignedOut(identity ?? "nobody");
else
  new App(identity, (why) => {
    forgetIdentity();
    showSignedOut(why);
  });
