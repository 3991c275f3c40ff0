// Package journal is change capture on PostgreSQL, and the one order of changes.
//
// Triggers write the old and the new image of a row to the outbox, in the
// writer's own transaction, whoever the writer is. One node, elected by an
// advisory lock, moves what is committed from the outbox to the log and so gives
// each change its position. Everybody reads the log. docs/adr/0004 says why.
//
//	Prepare(ctx, tx)         // once at the start: schema onemap
//	Capture(ctx, tx, table)  // a table becomes a layer; Release undoes it
//	Watch(ctx, tx, table, …) // the same for what has no triggers
//	Note(ctx, tx, layer, k)  // define, drop, reset: travel in the same order
//	j := Open(db, config, Options{}); go j.Run(ctx)
//	j.Moved(ctx, xid)        // what a transaction of ours became
//	j.Read(ctx, after, 1000) // whole commits
//
// For whoever reads features, onemap.version holds the position of the newest
// change of a key, onemap.reset that of a layer's last reset, and
// onemap.state.origin where the epoch began: a feature's version is the greatest of
// the three. onemap.crs84(geometry, srid) is a geometry as the log has it.
//
// Only the PostGIS store imports it.
package journal
