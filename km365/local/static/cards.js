// Adaptive Cards, drawn by Microsoft's renderer (vendor/adaptivecards.min.js) in the colours of the page.

import { cardMarkdown, safeAddress } from "./text.js";

const Renderer = globalThis.AdaptiveCards;
export const CARD_TYPE = "application/vnd.microsoft.card.adaptive";

const COLOURS = Object.fromEntries(
  Object.entries({ default: "ink", dark: "ink", light: "muted", accent: "accent", attention: "bad", good: "good", warning: "warn" })
    .map(([name, variable]) => [name, { default: `var(--${variable})`, subtle: name === "default" ? "var(--muted)" : `var(--${variable})` }]),
);
const style = (background) => ({ backgroundColor: `var(--${background})`, foregroundColors: COLOURS });
const SIZES = { small: 13, default: 16, medium: 18, large: 21, extraLarge: 25 };
const font = (fontFamily) => ({ fontFamily, fontSizes: SIZES, fontWeights: { lighter: 400, default: 400, bolder: 640 } });

const HOST = {
  supportsInteractivity: true,
  fontTypes: { default: font("inherit"), monospace: font("ui-monospace, Consolas, monospace") },
  lineHeights: { small: 20, default: 24, medium: 27, large: 31, extraLarge: 36 },
  spacing: { small: 6, default: 10, medium: 16, large: 22, extraLarge: 30, padding: 12 },
  separator: { lineThickness: 1, lineColor: "var(--line)" },
  containerStyles: {
    default: style("surface"), emphasis: style("sunken"), accent: style("accent-soft"),
    good: style("sunken"), attention: style("warn-soft"), warning: style("warn-soft"),
  },
  inputs: { label: { inputSpacing: "Small", requiredInputs: { weight: "Bolder" }, optionalInputs: { weight: "Bolder" } },
    errorMessage: { color: "Attention", weight: "Bolder" } },
  actions: { maxActions: 6, spacing: "Medium", buttonSpacing: 8, actionsOrientation: "Horizontal", actionAlignment: "Left",
    showCard: { actionMode: "Inline", inlineTopMargin: 12 } },
  factSet: { title: { weight: "Bolder", wrap: true, maxWidth: 190 }, value: { wrap: true }, spacing: 12 },
  textBlock: { headingLevel: 2 },
};

function hostConfig(words) {
  const config = new Renderer.HostConfig(HOST);
  // Set here, because the renderer (3.0.6) forgets what it has read of these two.
  Object.assign(config.inputs.label.requiredInputs, { suffix: ` ${words.required}`, suffixColor: Renderer.TextColor.Light });
  return config;
}

if (Renderer) {
  Renderer.AdaptiveCard.onProcessMarkdown = (text, result) => {
    result.outputHtml = cardMarkdown(text);
    result.didProcess = true;
  };
}

/**
 * The card as an element. `send({kind, verb, data})` is called once required inputs are filled; it returns a
 * promise of true when the card is to be drawn afresh, its inputs empty again, as Teams does after a submit.
 */
export function cardElement(json, { send, words }) {
  // A form, because radio buttons of one name form a group within it: two cards may ask the same question.
  const frame = document.createElement("form");
  frame.className = "card";
  frame.noValidate = true;
  frame.addEventListener("submit", (event) => event.preventDefault());
  draw(frame, json, { send, words });
  return frame;
}

function draw(frame, json, { send, words }) {
  frame.classList.toggle("missing", !Renderer);
  if (!Renderer) {
    frame.textContent = [json.fallbackText, words.renderer_missing].filter(Boolean).join(" ");
    return;
  }
  const card = new Renderer.AdaptiveCard();
  card.hostConfig = hostConfig(words);
  card.onExecuteAction = async (action) => {
    const order = orderOf(action);
    if (!order || frame.classList.contains("busy")) return;
    frame.classList.add("busy");
    frame.setAttribute("aria-busy", "true");
    try {
      if (await send(order)) draw(frame, json, { send, words });
    } finally {
      frame.classList.remove("busy");
      frame.removeAttribute("aria-busy");
    }
  };
  let element = null;
  try {
    card.parse(json);
    element = card.render();
  } catch (problem) {
    console.warn("This card cannot be drawn:", problem);
  }
  if (!element) {
    frame.textContent = json.fallbackText ?? "";
    return;
  }
  tidy(element, card, json);
  frame.replaceChildren(element);
}

function orderOf(action) {
  const type = action.getJsonTypeName();
  if (type === "Action.OpenUrl") {
    const address = safeAddress(action.url);
    if (address) globalThis.open(address, "_blank", "noopener,noreferrer");
    return null;
  }
  if (type === "Action.Execute") return { kind: "execute", verb: action.verb ?? "", data: action.data ?? {} };
  if (type === "Action.Submit") return { kind: "submit", data: action.data ?? {} };
  return null;
}

let drawn = 0;

/** What the renderer leaves out: direction, language, groups, what is required; and ids of the card's author, which may be ours. */
function tidy(element, card, json) {
  const page = document.documentElement;
  element.dir = typeof json.rtl === "boolean" ? (json.rtl ? "rtl" : "ltr") : page.dir;
  if (json.lang) element.lang = json.lang;
  element.removeAttribute("tabindex");
  const prefix = `card-${++drawn}-`;
  for (const named of element.querySelectorAll("[id]:not([id^=__ac-])")) named.id = prefix + named.id;
  for (const button of element.querySelectorAll("[aria-controls]")) unfolds(button, prefix, element);
  for (const field of element.querySelectorAll("textarea.ac-input-required")) field.setAttribute("aria-required", "true");
  for (const field of element.querySelectorAll("textarea, input[type=text]")) field.dir = "auto";
  for (const group of element.querySelectorAll(".ac-choiceSetInput-expanded, .ac-choiceSetInput-multiSelect")) {
    group.setAttribute("role", group.querySelector("[type=radio]") ? "radiogroup" : "group");
    const label = element.querySelector(`label[for="${CSS.escape(group.id)}"]`);
    if (label) group.setAttribute("aria-labelledby", label.id);
    if (group.querySelector("[type=radio][aria-required]")) group.setAttribute("aria-required", "true");
  }
}

/** Say of a button that shows and hides something whether it is shown; the renderer says so of the thing, where it must not be. */
function unfolds(button, prefix, element) {
  const ids = button.getAttribute("aria-controls").split(" ").map((id) => prefix + id);
  const tell = () => {
    const things = ids.map((id) => element.querySelector(`#${CSS.escape(id)}`)).filter(Boolean);
    for (const thing of things) thing.removeAttribute("aria-expanded");
    button.setAttribute("aria-expanded", String(things.some((thing) => thing.style.display !== "none")));
  };
  button.setAttribute("aria-controls", ids.join(" "));
  button.addEventListener("click", tell);
  tell();
}
