// Package pgtest gives tests a real PostgreSQL with PostGIS: the server that
// ONEMAP_TEST_PG names (the URL of a superuser), or a throw-away cluster made
// from the Debian packages that .ci/install-test-deps installs. A test binary
// starts one cluster, when the first test asks for a database, and stops it at
// its end:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
//
//	func TestX(t *testing.T) {
//		url := pgtest.Database(t) // fresh, with PostGIS, dropped after the test
//
// A test that harms its server takes one of its own with Cluster. Without
// PostgreSQL a test fails and says what to install; it is never skipped.
//
// Only tests and benchmarks import it.
package pgtest
