// The chat: asks the server what has changed since it last asked, draws it, and sends what the person does.
// A WebSocket only says "something changed", so nothing is lost however often the connection breaks.

import { drawMessage } from "./messages.js";
import { Notices } from "./notices.js";

const setup = JSON.parse(document.querySelector("#setup").textContent);
const { words, base } = setup;
const log = document.querySelector("#log");
const list = document.querySelector("#messages");
const earlier = document.querySelector("#earlier");
const empty = document.querySelector("#empty");
const field = document.querySelector("#composer-text");
const composer = document.querySelector("#composer");
const status = document.querySelector("#status");

const shown = new Map(); // sequence number -> {revision, element}
let revision = ""; // opaque; empty until the first answer
let first = Infinity;
let asking = null;
let again = false;
let writingUntil = 0;
let lost = false;
let actedAt = 0; // when the person last pressed something: what comes soon after is its answer, and shown
const ANSWER_MS = 10_000;

const notices = new Notices({ words, name: setup.bot, open: openMessage });

async function call(path, body) {
  const options = body === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  };
  const answer = await fetch(base + path, options);
  if (answer.status === 404 && path.startsWith("/changes")) location.assign("/teams"); // the data was reset
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.status === 204 ? null : answer.json();
}

// What is shown -----------------------------------------------------------------------------------------------

/** Ask for the changes and draw them; calls that come while one is under way are answered by one more. */
function sync() {
  if (asking) {
    again = true;
    return asking;
  }
  asking = (async () => {
    do {
      again = false;
      show(await call(`/changes?after=${encodeURIComponent(revision)}`));
    } while (again);
  })().finally(() => { asking = null; });
  return asking;
}

function show(changes) {
  const starting = changes.start_over;
  const stick = starting || held === END || atEnd();
  if (starting) startOver();
  const fresh = changes.messages.filter((m) => shown.has(m.seq) || m.seq >= first || first === Infinity);
  const arrived = fresh.filter((m) => !shown.has(m.seq));
  const expected = arrived.some((m) => m.from === "me" || Date.now() - actedAt < ANSWER_MS);
  for (const message of fresh) place(message);
  revision = changes.revision;
  if (starting) earlier.hidden = !changes.earlier;
  empty.hidden = shown.size > 0 || !changes.installed;
  document.querySelector("#absent").hidden = changes.installed;
  document.querySelector("#remove").hidden = !changes.installed || setup.group;
  composer.hidden = !changes.installed;
  document.querySelector("#hint").hidden = !changes.installed;
  finish(fresh);
  if (starting) hold(newest());
  else if (arrived.length && (stick || expected)) follow(arrived, expected);
  const quiet = starting || (looking() && held !== null); // nobody is told of what stands before their eyes
  notices.show({ notices: changes.notices, unread: changes.unread, others: changes.others, quiet });
  tell();
  markRead(changes.unread);
}

/** The line in the list of chats is the last message's, and only that one still offers its choices. */
function finish(messages) {
  const last = messages.find((m) => m.seq === newest());
  if (last?.preview) document.querySelector("#preview").textContent = last.preview;
  for (const row of list.querySelectorAll(".choices")) {
    if (Number(row.closest(".message").dataset.seq) !== newest()) row.remove();
  }
}

function startOver() {
  shown.clear();
  list.replaceChildren();
  first = Infinity;
}

function place(message) {
  const known = shown.get(message.seq);
  if (known && known.revision >= message.revision) return;
  const element = drawMessage(message, { words, bot: setup.bot, act, answer: setup.channel ? answerTo : null });
  element.dataset.seq = message.seq;
  element.dataset.at = message.at;
  const focused = known?.element.contains(document.activeElement);
  if (known) known.element.replaceWith(element);
  else insert(element, message.seq);
  if (focused) element.focus({ preventScroll: true });
  shown.set(message.seq, { revision: message.revision, element });
  first = Math.min(first, message.seq);
  if (message.from === "bot") writingUntil = 0;
  days();
}

function insert(element, seq) {
  const later = [...list.querySelectorAll(".message")].find((other) => Number(other.dataset.seq) > seq);
  list.insertBefore(element, later ?? null);
}

function days() {
  for (const old of list.querySelectorAll(".day")) old.remove();
  let last = "";
  for (const element of list.querySelectorAll(".message")) {
    const day = new Date(element.dataset.at).toLocaleDateString(setup.language, { weekday: "long", day: "numeric", month: "long" });
    if (day === last) continue;
    last = day;
    const line = document.createElement("li");
    line.className = "day";
    line.textContent = day;
    element.before(line);
  }
}

const LITTLE = 0.3; // of the window: so much of what was said may stand above it, if the last card then fits
const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 120;
function toEnd() {
  log.scrollTop = log.scrollHeight;
}

const newest = () => Math.max(0, ...shown.keys());

// What stays in view when a card grows or the page changes its size: the message of that number, the end of
// everything, or (null) nothing, because the person reads elsewhere.
const END = Infinity;
let held = END;
let answer = null; // the first message of the bot since the person did something: where reading goes on

/** Show what has come: all of it, or its beginning when it is taller than the window. */
function follow(arrived, expected) {
  const theirs = arrived.filter((m) => m.from === "bot").map((m) => m.seq);
  if (!expected) answer = null;
  if (theirs.length) answer ??= Math.min(...theirs);
  hold(answer ?? END);
}

function hold(seq) {
  held = seq;
  const element = shown.get(seq)?.element;
  const tall = element ? log.scrollHeight - log.scrollTop - topOf(element) : 0;
  const last = shown.get(newest())?.element; // its buttons stand at its end: rather these than the words before it
  const fits = last && seq !== newest() && log.scrollHeight - log.scrollTop - topOf(last) <= log.clientHeight;
  if (tall > log.clientHeight * (fits ? 1 + LITTLE : 1)) element.scrollIntoView({ block: "start" });
  else toEnd();
}

const topOf = (element) => element.getBoundingClientRect().top - log.getBoundingClientRect().top;

const look = () => { held = atEnd() ? END : null; };
log.addEventListener("focusin", look);
log.addEventListener("click", (event) => { if (event.target.closest("[aria-expanded]")) held = null; }); // what unfolds stays below
log.addEventListener("scroll", () => {
  const element = shown.get(held)?.element;
  if (!element || Math.abs(topOf(element)) > 40) look();
});
const sizes = new ResizeObserver(() => { if (held !== null) hold(held); });
sizes.observe(log);
sizes.observe(list);

function tell() {
  const writing = Date.now() < writingUntil;
  status.classList.toggle("lost", lost);
  const text = lost ? words.connection_lost : writing ? words.writing.replace("{name}", setup.bot) : "";
  if (status.textContent !== text) status.textContent = text;
}

const looking = () => document.visibilityState === "visible" && document.hasFocus();

function markRead(unread) {
  if (unread && looking()) call("/read", { seq: newest() }).catch(() => {});
}

async function openMessage(seq) {
  while (!shown.has(seq) && !earlier.hidden) await showEarlier();
  const element = shown.get(seq)?.element;
  if (!element) return;
  element.scrollIntoView({ block: "center" });
  element.classList.add("shown");
  setTimeout(() => element.classList.remove("shown"), 2500);
  (element.querySelector("input, textarea, select, button") ?? element).focus({ preventScroll: true });
}

async function showEarlier() {
  const height = log.scrollHeight;
  const older = await call(`/changes?before=${first}`);
  for (const message of older.messages) place(message);
  earlier.hidden = !older.earlier;
  log.scrollTop += log.scrollHeight - height;
}

// What the person does ----------------------------------------------------------------------------------------

/** Carry out what was pressed in a message. Returns true when its card is to be drawn afresh. */
async function act(message, order) {
  const before = newest();
  actedAt = Date.now();
  answer = null;
  try {
    if (order.kind === "say") await call("/messages", { text: order.text });
    if (order.kind === "retry") await call("/retry", { seq: message.seq });
    if (order.kind === "submit") await call("/submit", { activity: message.id, data: order.data });
    if (order.kind === "execute") {
      const outcome = await call("/execute", { activity: message.id, verb: order.verb, data: order.data });
      if (!outcome.ok) {
        note(message.seq, outcome.message ?? (outcome.reason === "away" ? words.card_away : words.card_failed), false);
        return false;
      }
      await sync();
      note(message.seq, outcome.message, true);
      if (newest() === before) reveal(message.seq);
      return false;
    }
    await sync();
    return order.kind === "submit";
  } catch {
    note(message.seq, words.card_failed, false);
    return false;
  }
}

/** Bring the card that has just been answered, and may have grown, into view, and the keyboard to it. */
function reveal(seq) {
  const element = shown.get(seq)?.element;
  if (!element) return;
  if (element.offsetHeight > log.clientHeight) hold(seq);
  else element.scrollIntoView({ block: "nearest" });
  if (!element.contains(document.activeElement)) element.focus({ preventScroll: true });
}

function note(seq, text, ok) {
  const line = shown.get(seq)?.element.querySelector(".outcome");
  if (!line) return;
  line.textContent = text ?? "";
  line.classList.toggle("problem", !ok);
}

let thread = ""; // in a channel: the message whose thread the next one belongs to

/** What is sent next stands in the thread of this message; with null it begins one of its own. */
function answerTo(message) {
  thread = message?.thread ?? "";
  const line = document.querySelector("#answering");
  line.hidden = !thread;
  line.querySelector("span").textContent = thread ? words.answering.replace("{text}", message.answers ?? message.preview) : "";
  if (thread) field.focus();
}
document.querySelector("#stop-answering").addEventListener("click", () => {
  answerTo(null);
  field.focus();
});

composer.addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = field.value;
  actedAt = Date.now();
  answer = null;
  if (!text.trim()) return;
  field.value = "";
  field.focus(); // now, not when the answer is there: by then the person may be in its first field
  try {
    await call("/messages", thread ? { text, thread } : { text });
    answerTo(null);
    await sync();
  } catch {
    field.value = text;
    status.textContent = words.card_failed;
  }
});

field.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  composer.requestSubmit();
});

// A link that is pasted keeps its title, as in Teams: it stands in the field as [title](address).
field.addEventListener("paste", (event) => {
  const page = new DOMParser().parseFromString(event.clipboardData.getData("text/html"), "text/html");
  const titled = [...page.querySelectorAll("a[href]")].filter((link) => /^https?:/u.test(link.href) && !/^https?:/u.test(link.textContent.trim()));
  if (!titled.length) return;
  event.preventDefault();
  for (const link of titled) link.replaceWith(`[${link.textContent.trim().replace(/[[\]\n]/gu, " ")}](${link.href.replaceAll("(", "%28").replaceAll(")", "%29")})`);
  document.execCommand("insertText", false, page.body.textContent.trim()); // the one way that can be undone
});

earlier.addEventListener("click", () => showEarlier().catch(() => tell()));
// In a narrow window the chats stand behind the conversation until they are asked for.
const chats = document.querySelector("#chats");
const showChats = document.querySelector("#show-chats");
function openChats(open) {
  chats.classList.toggle("open", open);
  showChats.setAttribute("aria-expanded", String(open));
  if (open) chats.querySelector("[aria-current]").focus();
}
showChats.addEventListener("click", () => openChats(true));
chats.addEventListener("click", (event) => { if (event.target.closest("[aria-current]")) openChats(false); });
chats.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !chats.classList.contains("open")) return;
  openChats(false);
  showChats.focus();
});
const removing = document.querySelector("#removing");
const install = document.querySelector("#install");

async function setInstalled(installed) {
  await call("/installation", { installed }).catch(() => {});
  await sync();
  (installed ? field : install).focus();
}
install.addEventListener("click", () => setInstalled(true));
document.querySelector("#remove").addEventListener("click", () => {
  removing.returnValue = "";
  removing.showModal();
});
removing.addEventListener("close", () => {
  if (removing.returnValue === "remove") setInstalled(false);
});
for (const event of ["focus", "visibilitychange"]) {
  (event === "focus" ? globalThis : document).addEventListener(event, () => sync().catch(() => {}));
}

// Hearing of changes ------------------------------------------------------------------------------------------

function listen(attempt = 0) {
  const live = new WebSocket(`${location.origin.replace(/^http/u, "ws")}${setup.live}`);
  let opened = false;
  live.addEventListener("open", () => {
    opened = true;
    lost = false;
    sync().catch(() => {});
  });
  live.addEventListener("message", (event) => {
    if (event.data === "writing") {
      writingUntil = Date.now() + 8000;
      setTimeout(tell, 8100);
      tell();
    } else {
      sync().catch(() => {});
    }
  });
  live.addEventListener("close", () => {
    lost = true;
    tell();
    const next = opened ? 0 : attempt + 1;
    setTimeout(() => listen(next), Math.min(500 * 2 ** next, 8000));
  });
}

listen();
field.disabled = false; // before this, Enter would have sent nothing
field.focus();
