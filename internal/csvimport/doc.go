// Package csvimport reads CSV files of customers into profiles. An object imports/<project>/<name>.csv starts an
// import; what it refuses goes to results/<project>/<name>.errors.csv. It streams: memory does not grow with the file.
package csvimport
