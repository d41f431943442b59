/* The loops of _norm.c over values of type NUMBER. This file is included once for each type and
 * each kind of processor. A row is a row of a feature map as it is stored: all channels of one
 * frame, then all channels of the next. A tile is a part of a row. Parameters of a channel are
 * repeated for every value of a tile, so that loops are long and treat all values alike.
 */

/* Subtract `near`, which is close to the mean, and add the differences and their squares to
 * sums. */
static void NAME(add_moments)(const NUMBER *restrict x, Py_ssize_t n, const float *restrict near,
                              float *restrict sum, float *restrict squares)
{
    for (Py_ssize_t i = 0; i < n; i++) {
        float value = LOAD(x[i]) - near[i];
        sum[i] += value;
        squares[i] += value * value;
    }
}

/* y = max(scale * (x - mean) + bias, 0); NaN remains NaN. */
static void NAME(rectify)(const NUMBER *restrict x, Py_ssize_t n, const float *restrict mean,
                          const float *restrict scale, const float *restrict bias,
                          NUMBER *restrict y)
{
    for (Py_ssize_t i = 0; i < n; i++) {
        float value = scale[i] * (LOAD(x[i]) - mean[i]) + bias[i];
        y[i] = STORE(value < 0 ? 0 : value);
    }
}

/* Add the gradient where y is not zero, and its product with x - mean, to sums. */
static void NAME(add_gradients)(const NUMBER *restrict gradient, const NUMBER *restrict x,
                                Py_ssize_t n, const float *restrict mean,
                                const float *restrict scale, const float *restrict bias,
                                float *restrict sum, float *restrict products)
{
    for (Py_ssize_t i = 0; i < n; i++) {
        float value = LOAD(x[i]) - mean[i], given = LOAD(gradient[i]);
        given = scale[i] * value + bias[i] <= 0 ? 0 : given;
        sum[i] += given;
        products[i] += given * value;
    }
}

/* out = scale * (gradient where y is not zero) + slope * (x - mean) + offset */
static void NAME(pass_gradients)(const NUMBER *restrict gradient, const NUMBER *restrict x,
                                 Py_ssize_t n, const float *restrict mean,
                                 const float *restrict scale, const float *restrict bias,
                                 const float *restrict slope, const float *restrict offset,
                                 NUMBER *restrict out)
{
    for (Py_ssize_t i = 0; i < n; i++) {
        float value = LOAD(x[i]) - mean[i], given = LOAD(gradient[i]);
        given = scale[i] * value + bias[i] <= 0 ? 0 : given;
        out[i] = STORE(scale[i] * given + (slope[i] * value + offset[i]));
    }
}

/* The same for padding, where the gradient of y is zero. */
static void NAME(pass_padding)(const NUMBER *restrict x, Py_ssize_t n, const float *restrict mean,
                               const float *restrict slope, const float *restrict offset,
                               NUMBER *restrict out)
{
    for (Py_ssize_t i = 0; i < n; i++)
        out[i] = STORE(slope[i] * (LOAD(x[i]) - mean[i]) + offset[i]);
}

/* Keep the larger of `other` and the largest value so far, and its position in the window. As in
 * torch, the first of equal values is kept; NaN is larger than any number, and the last NaN is
 * kept. */
static void NAME(keep_larger)(const NUMBER *restrict other, NUMBER which, Py_ssize_t n,
                              NUMBER *restrict largest, NUMBER *restrict place)
{
    for (Py_ssize_t i = 0; i < n; i++) {
        float value = LOAD(other[i]), before = LOAD(largest[i]);
        int is_larger = value > before || value != value;
        largest[i] = is_larger ? other[i] : largest[i];
        place[i] = is_larger ? which : place[i];
    }
}

/* Pool windows of two rows and two frames into one row of the output. */
static void NAME(pool_row)(const shape *s, const NUMBER *x, Py_ssize_t row, NUMBER *largest,
                           NUMBER *place)
{
    for (Py_ssize_t frame = 0; frame < s->frames_out; frame++) {
        NUMBER *to = largest + frame * s->channels, *which = place + frame * s->channels;
        for (int k = 0; k < 4; k++) {
            Py_ssize_t start = corner(s, row, frame, k);
            if (k == 0) {
                memcpy(to, x + start, s->channels * sizeof(NUMBER));
                memset(which, 0, s->channels * sizeof(NUMBER));
            } else if (start >= 0)
                NAME(keep_larger)(x + start, (NUMBER)k, s->channels, to, which);
        }
    }
}

/* Pass the gradient of each window to its largest value, and zero to the other values. */
static void NAME(unpool_row)(const shape *s, const NUMBER *gradient, const NUMBER *place,
                             Py_ssize_t row, NUMBER *out)
{
    for (Py_ssize_t frame = 0; frame < s->frames_out; frame++)
        for (int k = 0; k < 4; k++) {
            Py_ssize_t start = corner(s, row, frame, k);
            if (start < 0)
                continue;
            const NUMBER *restrict given = gradient + frame * s->channels;
            const NUMBER *restrict which = place + frame * s->channels;
            NUMBER *restrict to = out + start;
            for (Py_ssize_t i = 0; i < s->channels; i++)
                to[i] = which[i] == (NUMBER)k ? given[i] : 0;
        }
}

static void NAME(forward)(const shape *s, const layer *l, const char *is_real, const NUMBER *x,
                          NUMBER *kept, NUMBER *place, NUMBER *y, work *w)
{
    Py_ssize_t length = s->frames_out * s->channels, n_rows = s->clips * s->rows_out;
    const NUMBER *input = s->is_pooled ? kept : x;
    /* The moments are those of the differences from the first value. It is closer to the mean than
     * zero if the mean is large, which makes the rounding error of the variance smaller. */
    for (Py_ssize_t c = 0; c < s->channels; c++)
        w->mean[c] = LOAD(x[c]);
    spread(s, w->mean);
    for (Py_ssize_t row = 0; row < n_rows; row++) {
        if (s->is_pooled)
            NAME(pool_row)(s, x, row, kept + row * length, place + row * length);
        for (run r = first_run(s, is_real, row); r.length; r = next_run(s, is_real, row, r))
            NAME(add_moments)(input + row * length + r.start, r.length, w->mean, w->sum[0],
                              w->sum[1]);
        gather(s, w, row == n_rows - 1);
    }
    set_statistics(s, l, w);
    for (Py_ssize_t row = 0; row < n_rows; row++)
        for (run r = first_run(s, is_real, row); r.length; r = next_run(s, is_real, row, r)) {
            Py_ssize_t at = row * length + r.start;
            if (r.is_real)
                NAME(rectify)(input + at, r.length, w->mean, w->scale, w->bias, y + at);
            else
                memset(y + at, 0, r.length * sizeof(NUMBER));
        }
}

static void NAME(backward)(const shape *s, const layer *l, const char *is_real,
                           const NUMBER *gradient, const NUMBER *kept, const NUMBER *place,
                           NUMBER *out, NUMBER *one_row, work *w)
{
    Py_ssize_t length = s->frames_out * s->channels, n_rows = s->clips * s->rows_out;
    set_scale(s, l, w);
    for (Py_ssize_t row = 0; row < n_rows; row++) {
        for (run r = first_run(s, is_real, row); r.length; r = next_run(s, is_real, row, r)) {
            Py_ssize_t at = row * length + r.start;
            if (r.is_real)
                NAME(add_gradients)(gradient + at, kept + at, r.length, w->mean, w->scale,
                                    w->bias, w->sum[0], w->sum[1]);
        }
        gather(s, w, row == n_rows - 1);
    }
    set_gradients(s, l, w);
    for (Py_ssize_t row = 0; row < n_rows; row++) {
        NUMBER *to = s->is_pooled ? one_row : out + row * length;
        for (run r = first_run(s, is_real, row); r.length; r = next_run(s, is_real, row, r)) {
            Py_ssize_t at = row * length + r.start;
            if (r.is_real)
                NAME(pass_gradients)(gradient + at, kept + at, r.length, w->mean, w->scale,
                                     w->bias, w->slope, w->offset, to + r.start);
            else
                NAME(pass_padding)(kept + at, r.length, w->mean, w->slope, w->offset,
                                   to + r.start);
        }
        if (s->is_pooled)
            NAME(unpool_row)(s, one_row, place + row * length, row, out);
    }
}
