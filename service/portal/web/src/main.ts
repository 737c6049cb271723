import { mount } from "svelte";
import App from "./App.svelte";
import { followAddress } from "./state/place.svelte.ts";
import { findOut } from "./state/session.svelte.ts";
import { readTheme, showTheme } from "./state/theme.ts";
import "./style/index.css";

showTheme(readTheme());
followAddress();
void findOut();

const target = document.getElementById("app");
if (target !== null) mount(App, { target });
