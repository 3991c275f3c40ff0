import '../ui/tokens.css'
import { mount } from 'svelte'
import App from './App.svelte'

const target = document.getElementById('app')
if (target) {
  target.replaceChildren() // what index.html shows until here
  mount(App, { target })
}
