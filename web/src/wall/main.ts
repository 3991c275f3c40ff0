import 'maplibre-gl/dist/maplibre-gl.css'
import './wall.css'
import { mount } from 'svelte'
import { WallApp } from './app'
import Wall from './Wall.svelte'

const target = document.getElementById('app')
if (target) mount(Wall, { target, props: { app: new WallApp() } })
