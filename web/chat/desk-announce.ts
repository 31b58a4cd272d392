/** Saying something to everybody: it stands out in the chat, and is left out for nobody. */
import { make } from "../dom.ts";
import type { Part } from "./desk.ts";
import { newNonce } from "./nonce.ts";
import { refusalWords, UNSENT } from "./words.ts";

export const announcing: Part = {
  name: "announce",
  label: "Announce",
  open: ({ act, say }) => {
    const form = document.createElement("form");
    form.className = "desk-form";
    const field = document.createElement("textarea");
    field.id = "desk-text";
    field.rows = 4;
    field.required = true;
    field.dataset.testid = "desk-text";
    const label = document.createElement("label");
    label.htmlFor = field.id;
    label.textContent = "What everybody is to read";
    const button = document.createElement("button");
    button.type = "submit";
    button.className = "send";
    button.textContent = "Announce";
    button.dataset.testid = "desk-send";
    // Until it is known what became of it: sent again it is the same.
    let nonce = newNonce();
    field.addEventListener("input", () => say(""));
    form.append(label, field, make("p", "desk-foot", button));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (button.disabled) return;
      button.disabled = true;
      const done = await act("chat.announce", { text: field.value, nonce });
      button.disabled = false;
      if (done.ok || done.error > 0) nonce = newNonce();
      if (done.ok) field.value = "";
      const why = done.ok ? "" : done.error > 0 ? refusalWords({ code: done.error, message: "" }) : UNSENT;
      say(done.ok ? "Announced." : `Not sent. ${why}`);
      field.focus();
    });
    return form;
  },
};
