import { mount } from "svelte";
import AppView from "./app/AppView.svelte";
import { App } from "./app/app";
import "./styles/tokens.css";
import "./styles/base.css";

const target = document.getElementById("app");
if (!target) throw new Error("index.html has no place for the app");
const app = new App(window);
app.start();
mount(AppView, { target, props: { app } });
