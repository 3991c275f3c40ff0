// Package arch holds the test that pins who may import whom. Nobody imports it.
package arch
