# CR2 errors and Satterthwaite degrees of freedom of contrasts of weighted means, by clubSandwich.
#
#   Rscript make_means.R           (run it from this folder; a few seconds)

suppressMessages(library(clubSandwich))
set.seed(20264, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
make <- function(case, clusters, treated, largest, weighted, cells) {
  size <- sample.int(largest, clusters, TRUE)
  d <- do.call(rbind, lapply(seq_len(clusters), function(g) do.call(rbind, lapply(seq_len(size[g]), function(i) data.frame(
    case, cluster = g, cell = seq_len(cells), treated = as.integer(g <= treated),
    weight = if (g <= treated || !weighted) 1 else round(runif(1, 0.1, 1.2), 3), y = round(rnorm(cells, g / 10), 4))))))
  drop <- runif(nrow(d)) < if (weighted) 0.1 else 0
  d[!drop, ]
}
data <- rbind(make("few", 6, 2, 5, FALSE, 1), make("ten", 10, 4, 9, TRUE, 2), make("sixteen", 40, 16, 12, TRUE, 3),
              make("one large", 12, 5, 30, TRUE, 2), make("equal", 30, 15, 1, FALSE, 4))
share <- function(cells) seq_len(cells) / sum(seq_len(cells))     # weight of each cell in the contrast
run <- function(d) {
  cells <- max(d$cell); block <- 2 * (d$cell - 1) + d$treated + 1; k <- 2 * cells
  contrast <- as.vector(rbind(-share(cells), share(cells)))
  z <- sapply(seq_len(k), function(b) as.numeric(block == b))
  x <- as.data.frame(z %*% solve(rbind(contrast, diag(k)[-1, ]))) # the contrast is the first coefficient
  names(x) <- paste0("b", seq_len(k)); x$y <- d$y; x$w <- d$weight
  fit <- lm(reformulate(paste0("b", seq_len(k)), "y", intercept = FALSE), x, weights = w)
  r <- coef_test(fit, vcov = "CR2", cluster = d$cluster, test = "Satterthwaite", coefs = 1)
  data.frame(case = d$case[1], estimate = r$beta, std_error = r$SE, df = r$df_Satt)
}
exact <- function(v) if (is.numeric(v)) sprintf("%.15g", v) else v
results <- do.call(rbind, lapply(split(data, factor(data$case, unique(data$case))), run))
write.csv(data, "observations.csv", row.names = FALSE, quote = FALSE)
write.csv(as.data.frame(lapply(results, exact)), "results.csv", row.names = FALSE, quote = FALSE)
