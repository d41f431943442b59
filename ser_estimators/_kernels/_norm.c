/* Max pooling, batch normalization and ReLU as one operation for training on the CPU.
 *
 * With fast matrix multiplication, a small network spends as much time between its convolutions as
 * in them, and all of that time on memory traffic: each operation of torch reads its input and
 * writes its output. Here the normalized values are read twice and written once; the backward pass
 * reads two feature maps twice and writes one. Feature maps are in the channels_last format, which
 * is (clips, rows, frames, channels) in memory order.
 *
 * The module is optional: without it _network/normalization.py does the same with operations of
 * torch.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The input has rows x frames, the output rows_out x frames_out: half as many, rounded up, if
 * pooled. Each window of frames_out / windows frames is either real or padding. */
typedef struct {
    int is_pooled;
    Py_ssize_t clips, rows, frames, rows_out, frames_out, channels, windows;
    Py_ssize_t tile; /* values of a row that are processed at once: a number of whole frames */
} shape;

/* Arrays of one value per channel. The forward pass writes mean and variance, the backward pass the
 * gradients. */
typedef struct {
    const float *weight, *bias;
    float epsilon;
    float *mean, *variance, *weight_gradient, *bias_gradient;
} layer;

/* Working memory: arrays of one value for each value of a tile, and two totals per channel. */
typedef struct {
    float *mean, *scale, *bias, *slope, *offset, *sum[2];
    double *total[2];
    int n_rows; /* that are in sum and not yet in total */
} work;

/* Values of a row, at most a tile, that are all real or all padding. */
typedef struct {
    Py_ssize_t start, length;
    int is_real;
} run;

/* Sums are kept in float, one for each value of a tile. After this many rows they are added to the
 * totals of the channels, which are double. Unless there are hundreds of channels, each sum has a
 * few hundred terms by then, for which float is precise enough. */
enum { ROWS_IN_FLOAT = 16 };

/* Approximate size of a tile, for which the arrays of `work` remain in the fastest cache. */
enum { TILE = 512 };

static Py_ssize_t corner(const shape *s, Py_ssize_t row_out, Py_ssize_t frame_out, int k)
{
    Py_ssize_t clip = row_out / s->rows_out, row = 2 * (row_out % s->rows_out) + k / 2;
    Py_ssize_t frame = 2 * frame_out + k % 2;
    if (row >= s->rows || frame >= s->frames)
        return -1;
    return ((clip * s->rows + row) * s->frames + frame) * s->channels;
}

static run run_from(const shape *s, const char *is_real, Py_ssize_t row, Py_ssize_t start)
{
    const char *of_clip = is_real + row / s->rows_out * s->windows;
    Py_ssize_t size = s->frames_out / s->windows * s->channels, window = start / size;
    run r = {start, 0, 0};
    if (window == s->windows)
        return r;
    r.is_real = of_clip[window] != 0;
    while (window < s->windows && r.length < s->tile && (of_clip[window] != 0) == r.is_real)
        r.length = ++window * size - start;
    if (r.length > s->tile)
        r.length = s->tile;
    return r;
}

static run first_run(const shape *s, const char *is_real, Py_ssize_t row)
{
    return run_from(s, is_real, row, 0);
}

static run next_run(const shape *s, const char *is_real, Py_ssize_t row, run r)
{
    return run_from(s, is_real, row, r.start + r.length);
}

/* Every ROWS_IN_FLOAT rows, add the sums to the totals of the channels. */
static void gather(const shape *s, work *w, int is_last)
{
    if (++w->n_rows < ROWS_IN_FLOAT && !is_last)
        return;
    for (int k = 0; k < 2; k++) {
        for (Py_ssize_t start = 0; start < s->tile; start += s->channels)
            for (Py_ssize_t c = 0; c < s->channels; c++)
                w->total[k][c] += w->sum[k][start + c];
        memset(w->sum[k], 0, s->tile * sizeof(float));
    }
    w->n_rows = 0;
}

static double count(const shape *s)
{
    return (double)s->clips * s->rows_out * s->frames_out;
}

/* Copy the values of the first frame of a tile to the other frames. */
static void spread(const shape *s, float *tile)
{
    for (Py_ssize_t start = s->channels; start < s->tile; start += s->channels)
        memcpy(tile + start, tile, s->channels * sizeof(float));
}

/* y = weight * (x - mean) / sqrt(variance + epsilon) + bias = scale * (x - mean) + bias */
static void set_scale(const shape *s, const layer *l, work *w)
{
    for (Py_ssize_t c = 0; c < s->channels; c++) {
        w->mean[c] = l->mean[c];
        w->scale[c] = l->weight[c] / sqrtf(l->variance[c] + l->epsilon);
        w->bias[c] = l->bias[c];
    }
    spread(s, w->mean);
    spread(s, w->scale);
    spread(s, w->bias);
}

static void set_statistics(const shape *s, const layer *l, work *w)
{
    for (Py_ssize_t c = 0; c < s->channels; c++) {
        double excess = w->total[0][c] / count(s);
        double variance = w->total[1][c] / count(s) - excess * excess;
        l->mean[c] = (float)(w->mean[c] + excess);
        l->variance[c] = variance < 0 ? 0 : (float)variance; /* NaN remains */
    }
    set_scale(s, l, w);
}

/* Let g be the gradient where y is not zero, m(.) the mean over a channel, and
 * z = (x - mean) / deviation. Then the gradient of x is
 * scale * (g - m(g) - z * m(g * z)) = scale * g + slope * (x - mean) + offset. */
static void set_gradients(const shape *s, const layer *l, work *w)
{
    for (Py_ssize_t c = 0; c < s->channels; c++) {
        double deviation = sqrt((double)l->variance[c] + l->epsilon);
        double sum = w->total[0][c];
        double product = w->total[1][c] / deviation;
        l->weight_gradient[c] = (float)product;
        l->bias_gradient[c] = (float)sum;
        w->slope[c] = (float)(-w->scale[c] * product / deviation / count(s));
        w->offset[c] = (float)(-w->scale[c] * sum / count(s));
    }
    spread(s, w->slope);
    spread(s, w->offset);
}

/* bfloat16 is the upper half of a float. Rounding is to the nearest value, ties to even. */
static inline float from_bfloat16(uint16_t x)
{
    union {
        uint32_t bits;
        float value;
    } u = {(uint32_t)x << 16};
    return u.value;
}

static inline uint16_t to_bfloat16(float x)
{
    union {
        float value;
        uint32_t bits;
    } u = {x};
    uint32_t rounded = u.bits + 0x7fff + ((u.bits >> 16) & 1);
    return (uint16_t)((x != x ? 0x7fc00000 : rounded) >> 16);
}

#define NAME(name) JOIN(name##_, JOIN(TYPE, JOIN(_, LANES)))
#define LOOPS "norm_types.h"
#include "processors.h"
#include "module.h"

/* A call; the values of feature maps are float32 or bfloat16. */
typedef struct {
    int lanes, is_bfloat16, is_forward;
    shape s;
    layer l;
    const char *is_real;
    void *in, *kept, *place, *out; /* in: x, or the gradient of y if backward */
} job;

#define RUN(type, lanes)                                                                           \
    if (j->is_forward)                                                                             \
        forward_##type##_##lanes(&j->s, &j->l, j->is_real, j->in, j->kept, j->place, j->out, w);   \
    else                                                                                           \
        backward_##type##_##lanes(&j->s, &j->l, j->is_real, j->in, j->kept, j->place, j->out,      \
                               one_row, w)
#define RUN_ON(lanes)                                                                              \
    do {                                                                                           \
        if (j->is_bfloat16) {                                                                      \
            RUN(bfloat16, lanes);                                                                  \
        } else {                                                                                   \
            RUN(float32, lanes);                                                                   \
        }                                                                                          \
    } while (0)

/* Return 0, or -1 if memory is short. */
static int run_job(const job *j)
{
    Py_ssize_t row = j->s.frames_out * j->s.channels, channels = j->s.channels;
    Py_ssize_t tile = j->s.tile;
    float *floats = calloc(7 * (size_t)tile + (size_t)row, sizeof(float));
    double *doubles = calloc(2 * (size_t)channels, sizeof(double));
    int status = -1;
    if (floats && doubles) {
        work own = {floats,
                    floats + tile,
                    floats + 2 * tile,
                    floats + 3 * tile,
                    floats + 4 * tile,
                    {floats + 5 * tile, floats + 6 * tile},
                    {doubles, doubles + channels},
                    0};
        work *w = &own;
        void *one_row = floats + 7 * tile;
#ifdef __x86_64__
        if (j->lanes == 16)
            RUN_ON(16);
        else if (j->lanes == 8)
            RUN_ON(8);
        else
#endif
            RUN_ON(4);
        status = 0;
    }
    free(floats);
    free(doubles);
    return status;
}

/* Set the sizes that follow from others. Return 1, or 0 with an error set. */
static int complete_shape(shape *s)
{
    Py_ssize_t size;
    if (!is_positive("clips", s->clips) || !is_positive("rows", s->rows) ||
        !is_positive("frames", s->frames) || !is_positive("channels", s->channels) ||
        !is_positive("windows", s->windows))
        return 0;
    s->rows_out = s->is_pooled ? s->rows / 2 + s->rows % 2 : s->rows;
    s->frames_out = s->is_pooled ? s->frames / 2 + s->frames % 2 : s->frames;
    if (s->frames_out % s->windows) {
        PyErr_Format(PyExc_ValueError,
                     "windows is %zd, expected a divisor of the %zd output frames", s->windows,
                     s->frames_out);
        return 0;
    }
    s->tile = s->channels < TILE ? TILE / s->channels * s->channels : s->channels;
    /* All arrays, including the working memory, have at most 32 bytes for each value of the input,
     * apart from constants. With this check no later product of sizes overflows. */
    if (__builtin_mul_overflow(s->clips, s->rows, &size) ||
        __builtin_mul_overflow(size, s->frames, &size) ||
        __builtin_mul_overflow(size, s->channels, &size) || size > PY_SSIZE_T_MAX / 64) {
        PyErr_Format(PyExc_ValueError,
                     "clips, rows, frames and channels are %zd, %zd, %zd and %zd, expected sizes "
                     "that fit into memory",
                     s->clips, s->rows, s->frames, s->channels);
        return 0;
    }
    return 1;
}

static Py_ssize_t input_length(const shape *s)
{
    return s->clips * s->rows * s->frames * s->channels;
}

static Py_ssize_t output_length(const shape *s)
{
    return s->clips * s->rows_out * s->frames_out * s->channels;
}

static int has_input_length(const array *a, const shape *s)
{
    return has_length(a, input_length(s), "clips * rows * frames * channels");
}

static int has_output_length(const array *a, const shape *s)
{
    return has_length(a, output_length(s),
                      s->is_pooled ? "clips * ceil(rows / 2) * ceil(frames / 2) * channels"
                                   : "clips * rows * frames * channels");
}

/* For arrays that only pooling needs. */
static int has_pooled_length(const array *a, const shape *s)
{
    return s->is_pooled ? has_output_length(a, s) : has_length(a, 0, "nothing is pooled");
}

static int has_windows(const array *a, const shape *s)
{
    return has_length(a, s->clips * s->windows, "clips * windows");
}

static int have_channels(const array *a, int n_arrays, const shape *s)
{
    for (int i = 0; i < n_arrays; i++)
        if (!has_length(a + i, s->channels, "channels"))
            return 0;
    return 1;
}

/* Return 1, or 0 with an error set. */
static int run_without_gil(const job *j)
{
    int status;
    Py_BEGIN_ALLOW_THREADS
    status = run_job(j);
    Py_END_ALLOW_THREADS
    if (status)
        PyErr_NoMemory();
    return status == 0;
}

PyDoc_STRVAR(forward_doc,
             "forward(lanes, is_bfloat16, is_pooled, clips, rows, frames, channels, windows,\n"
             "        epsilon, x, is_real, weight, bias, kept, place, y, mean, variance)\n--\n\n"
             "Pool `x` if `is_pooled`, normalize it and write its ReLU to `y`, without the GIL.\n\n"
             "Arrays are C-contiguous. `x`, `kept`, `place` and `y` are float32, or int16 with the\n"
             "bits of bfloat16. `kept` and `place`, which the backward pass needs, are empty if\n"
             "nothing is pooled. `is_real` is bool, one value for each window of each clip. The\n"
             "others are float32, one value for each channel. `kept`, `place`, `y`, `mean` and\n"
             "`variance` are written. TypeError is raised for an argument that is not an array,\n"
             "and ValueError for an array of the wrong type or size.");

static PyObject *py_forward(PyObject *module, PyObject *args)
{
    (void)module;
    enum { IN, IS_REAL, WEIGHT, BIAS, KEPT, PLACE, OUT, MEAN, VARIANCE, N_ARRAYS };
    job j = {.is_forward = 1};
    shape *s = &j.s;
    PyObject *o[N_ARRAYS];
    if (!PyArg_ParseTuple(args, "ippnnnnnfOOOOOOOOO:forward", &j.lanes, &j.is_bfloat16,
                          &s->is_pooled, &s->clips, &s->rows, &s->frames, &s->channels,
                          &s->windows, &j.l.epsilon, o + IN, o + IS_REAL, o + WEIGHT, o + BIAS,
                          o + KEPT, o + PLACE, o + OUT, o + MEAN, o + VARIANCE))
        return NULL;
    element type = j.is_bfloat16 ? BFLOAT16 : FLOAT32;
    array a[N_ARRAYS] = {
        [IN] = {.name = "x", .type = type},
        [IS_REAL] = {.name = "is_real", .type = BYTE},
        [WEIGHT] = {.name = "weight", .type = FLOAT32},
        [BIAS] = {.name = "bias", .type = FLOAT32},
        [KEPT] = {.name = "kept", .type = type, .is_output = 1},
        [PLACE] = {.name = "place", .type = type, .is_output = 1},
        [OUT] = {.name = "y", .type = type, .is_output = 1},
        [MEAN] = {.name = "mean", .type = FLOAT32, .is_output = 1},
        [VARIANCE] = {.name = "variance", .type = FLOAT32, .is_output = 1},
    };
    int is_done = have_lanes(j.lanes) && complete_shape(s) && take_arrays(a, o, N_ARRAYS) &&
                  has_input_length(a + IN, s) && has_windows(a + IS_REAL, s) &&
                  have_channels(a + WEIGHT, 2, s) && has_pooled_length(a + KEPT, s) &&
                  has_pooled_length(a + PLACE, s) && has_output_length(a + OUT, s) &&
                  have_channels(a + MEAN, 2, s);
    if (is_done) {
        j.in = a[IN].view.buf;
        j.is_real = a[IS_REAL].view.buf;
        j.l.weight = a[WEIGHT].view.buf;
        j.l.bias = a[BIAS].view.buf;
        j.kept = a[KEPT].view.buf;
        j.place = a[PLACE].view.buf;
        j.out = a[OUT].view.buf;
        j.l.mean = a[MEAN].view.buf;
        j.l.variance = a[VARIANCE].view.buf;
        is_done = run_without_gil(&j);
    }
    release_arrays(a, N_ARRAYS);
    if (!is_done)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(backward_doc,
             "backward(lanes, is_bfloat16, is_pooled, clips, rows, frames, channels, windows,\n"
             "         epsilon, gradient, is_real, weight, bias, mean, variance, kept, place, out,\n"
             "         weight_gradient, bias_gradient)\n--\n\n"
             "Write the gradients of the arguments of `forward`, without the GIL.\n\n"
             "`gradient` is the gradient of `y`; `mean`, `variance` and `place` are outputs of\n"
             "`forward`. `kept` is as well if `is_pooled`, and otherwise it is `x`. `out` (the\n"
             "gradient of `x`), `weight_gradient` and `bias_gradient` are written. Types and errors\n"
             "are those of `forward`.");

static PyObject *py_backward(PyObject *module, PyObject *args)
{
    (void)module;
    enum {
        IN, IS_REAL, WEIGHT, BIAS, MEAN, VARIANCE, KEPT, PLACE, OUT, OF_WEIGHT, OF_BIAS, N_ARRAYS
    };
    job j = {.is_forward = 0};
    shape *s = &j.s;
    PyObject *o[N_ARRAYS];
    if (!PyArg_ParseTuple(args, "ippnnnnnfOOOOOOOOOOO:backward", &j.lanes, &j.is_bfloat16,
                          &s->is_pooled, &s->clips, &s->rows, &s->frames, &s->channels,
                          &s->windows, &j.l.epsilon, o + IN, o + IS_REAL, o + WEIGHT, o + BIAS,
                          o + MEAN, o + VARIANCE, o + KEPT, o + PLACE, o + OUT, o + OF_WEIGHT,
                          o + OF_BIAS))
        return NULL;
    element type = j.is_bfloat16 ? BFLOAT16 : FLOAT32;
    array a[N_ARRAYS] = {
        [IN] = {.name = "gradient", .type = type},
        [IS_REAL] = {.name = "is_real", .type = BYTE},
        [WEIGHT] = {.name = "weight", .type = FLOAT32},
        [BIAS] = {.name = "bias", .type = FLOAT32},
        [MEAN] = {.name = "mean", .type = FLOAT32},
        [VARIANCE] = {.name = "variance", .type = FLOAT32},
        [KEPT] = {.name = "kept", .type = type},
        [PLACE] = {.name = "place", .type = type},
        [OUT] = {.name = "out", .type = type, .is_output = 1},
        [OF_WEIGHT] = {.name = "weight_gradient", .type = FLOAT32, .is_output = 1},
        [OF_BIAS] = {.name = "bias_gradient", .type = FLOAT32, .is_output = 1},
    };
    int is_done = have_lanes(j.lanes) && complete_shape(s) && take_arrays(a, o, N_ARRAYS) &&
                  has_output_length(a + IN, s) && has_windows(a + IS_REAL, s) &&
                  have_channels(a + WEIGHT, 4, s) && has_output_length(a + KEPT, s) &&
                  has_pooled_length(a + PLACE, s) && has_input_length(a + OUT, s) &&
                  have_channels(a + OF_WEIGHT, 2, s);
    if (is_done) {
        j.in = a[IN].view.buf;
        j.is_real = a[IS_REAL].view.buf;
        j.l.weight = a[WEIGHT].view.buf;
        j.l.bias = a[BIAS].view.buf;
        j.l.mean = a[MEAN].view.buf;
        j.l.variance = a[VARIANCE].view.buf;
        j.kept = a[KEPT].view.buf;
        j.place = a[PLACE].view.buf;
        j.out = a[OUT].view.buf;
        j.l.weight_gradient = a[OF_WEIGHT].view.buf;
        j.l.bias_gradient = a[OF_BIAS].view.buf;
        is_done = run_without_gil(&j);
    }
    release_arrays(a, N_ARRAYS);
    if (!is_done)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"forward", py_forward, METH_VARARGS, forward_doc},
                                {"backward", py_backward, METH_VARARGS, backward_doc},
                                {NULL, NULL, 0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "ser_estimators._kernels._norm",
    .m_doc = "Max pooling, batch normalization and ReLU; LANES is the width of this processor's\n"
             "vectors in floats.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__norm(void)
{
    return PyModuleDef_Init(&definition);
}
