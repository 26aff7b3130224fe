# Numbers of R HonestDiD for tests/models/test_honest.py. Run in a clone of github.com/asheshrambachan/HonestDiD:
#   Rscript make_honestdid.R <clone> <folder of this file>
suppressMessages({library(HonestDiD); library(fixest); library(jsonlite)})
setFixest_nthreads(1)
args <- commandArgs(trailingOnly = TRUE); clone <- args[1]; out <- args[2]
cached <- function(n) {  # what the README printed, to all digits
  e <- new.env()
  f <- list.files(file.path(clone, "README_cache/gfm"), pattern = paste0("chunk-", n, "_.*rdx$"), full.names = TRUE)[1]
  lazyLoad(sub(".rdx", "", f), envir = e); e
}
states <- as.data.frame(lapply(cached(8)$df_nonstaggered, function(x) as.numeric(unclass(x))))
feols_medicaid <- feols(dins ~ i(year, D, ref = 2013) | stfips + year, cluster = "stfips", data = states)
sunab <- cached(10)$kwargs
data(BCdata_EventStudy)
inputs <- list(
  medicaid = list(betahat = unname(coef(feols_medicaid)), sigma = unname(feols_medicaid$cov.scaled), n_before = 5, n_after = 2),
  sunab = list(betahat = as.vector(sunab$betahat), sigma = unname(sunab$sigma), n_before = 10, n_after = 6),
  benzarti_carloni = list(betahat = as.vector(BCdata_EventStudy$betahat), sigma = unname(BCdata_EventStudy$sigma), n_before = 4, n_after = 4))
write_json(inputs, file.path(out, "inputs.json"), digits = NA, auto_unbox = TRUE)

rows <- list()
add <- function(data, l_vec, restriction, source, call, r, bound, grid_step) {
  for (i in seq_len(nrow(r))) rows[[length(rows) + 1]] <<- data.frame(data = data, l_vec = paste(l_vec, collapse = " "), restriction = restriction,
    source = source, bound = r[[bound]][i], lower = r$lb[i], upper = r$ub[i], grid_step = grid_step, call = call)
}
step <- function(k, l, points) { k <- inputs[[k]]; p <- seq_len(k$n_after) + k$n_before; 40 * sqrt(sum(l * (k$sigma[p, p] %*% l))) / (points - 1) }
rm <- "createSensitivityResults_relativeMagnitudes"; sd <- "createSensitivityResults"
add("medicaid", c(1, 0), "relative", "README", rm, cached(4)$delta_rm_results, "Mbar", step("medicaid", c(1, 0), 1000))
add("medicaid", c(.5, .5), "relative", "README", paste(rm, "l_vec=c(.5,.5)"), cached(7)$delta_rm_results_avg, "Mbar", step("medicaid", c(.5, .5), 1000))
add("medicaid", c(1, 0), "smooth", "README", sd, cached(6)$delta_sd_results, "M", 0)
add("sunab", c(1, 0, 0, 0, 0, 0), "relative", "README", paste(rm, "gridPoints=100"), cached(10)$sensitivity_results, "Mbar", step("sunab", c(1, 0, 0, 0, 0, 0), 100))

run <- function(data, l_vec, restriction, bounds, lo = NA, hi = NA, points = 300) {
  k <- inputs[[data]]
  if (restriction == "relative") {
    call <- sprintf("%s(l_vec=c(%s), gridPoints=%d, grid.lb=%g, grid.ub=%g)", rm, paste(l_vec, collapse = ","), points, lo, hi)
    r <- suppressWarnings(createSensitivityResults_relativeMagnitudes(k$betahat, k$sigma, k$n_before, k$n_after, Mbarvec = bounds, l_vec = matrix(l_vec),
      gridPoints = points, grid.lb = lo, grid.ub = hi))
    add(data, l_vec, restriction, "run", call, r, "Mbar", (hi - lo) / (points - 1))
  } else {
    r <- suppressWarnings(createSensitivityResults(k$betahat, k$sigma, k$n_before, k$n_after, Mvec = bounds, l_vec = matrix(l_vec)))
    add(data, l_vec, restriction, "run", sprintf("%s(l_vec=c(%s))", sd, paste(l_vec, collapse = ",")), r, "M", 0)
  }
  cat(data, restriction, format(Sys.time()), "\n")
  write.csv(do.call(rbind, rows), file.path(out, "bounds.csv"), row.names = FALSE)
}
for (b in list(c(1, 0), c(0, 1), c(.5, .5))) run("medicaid", b, "smooth", c(0, .005, .02))
run("benzarti_carloni", c(1, 0, 0, 0), "smooth", c(0, .05, .1, .3))
run("benzarti_carloni", rep(.25, 4), "smooth", c(0, .05, .1, .3))
run("sunab", c(1, 0, 0, 0, 0, 0), "smooth", c(0, .002, .01))
run("sunab", rep(1 / 6, 6), "smooth", c(0, .002, .01))
run("benzarti_carloni", c(1, 0, 0, 0), "relative", c(0, .5, 1), -.2, .6)
run("benzarti_carloni", rep(.25, 4), "relative", c(0, .5, 1), -.6, 1.2)
run("benzarti_carloni", c(0, -1, 0, 1), "relative", c(.5, 1), -1, 1)
run("sunab", c(1, 0, 0, 0, 0, 0), "relative", c(.5, 1), -.05, .12, 200)
run("sunab", rep(1 / 6, 6), "relative", .5, -.3, .4, 200)
