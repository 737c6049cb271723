import { mount } from "svelte";
import { speakRefusals } from "./api/refusal.ts";
import App from "./App.svelte";
import { locale } from "./state/locale.svelte.ts";
import { followAddress } from "./state/place.svelte.ts";
import { findOut } from "./state/session.svelte.ts";
import { readTheme, showTheme } from "./state/theme.ts";
import { sayRefusal } from "./words/refusals.ts";
import "./style/index.css";

speakRefusals((code, message, help, server) => sayRefusal(code, message, help, locale(), server));
showTheme(readTheme());
followAddress();
void findOut();

const target = document.getElementById("app");
if (target !== null) mount(App, { target });
