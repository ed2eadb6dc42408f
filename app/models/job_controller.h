#pragma once
// The window's jobs: hands requests to the engine, follows their events on the UI thread, and keeps
// them in order for the queue to show. The engine calls on its own thread; pictures are turned into
// Qt's form there and everything arrives here as a value by a queued call.

#include "core/engine/engine.h"

#include <QImage>
#include <QObject>
#include <QString>

#include <memory>
#include <vector>

namespace kinora::app {

using JobNumber = int; // the window's own, from 1

enum class JobState { Waiting, Loading, Running, Finished, Failed, Cancelled };

struct Job {
    JobNumber number = 0;
    core::JobId engineId = 0;
    pipelines::ImageRequest request; // resolved once the engine has planned it
    JobState state = JobState::Waiting;
    QString loading; // what is being read, while Loading
    double loadedFraction = 0;
    int64_t picture = 0; // the first of the batch at work
    int64_t step = 0, steps = 0;
    double secondsPerStep = 0, secondsLeft = 0;
    int64_t picturesDone = 0;
    bool stopping = false;   // after this one
    double seconds = 0;      // Finished
    QString message, advice; // Failed

    bool active() const { return state == JobState::Loading || state == JobState::Running; }
    bool ended() const { return state >= JobState::Finished; }
    double fraction() const; // of all steps of all pictures, 0 to 1
};

struct ResultPicture {
    QImage image;
    QImage thumbnail;
    std::shared_ptr<const core::Image> source; // shared by saver, clipboard and drags: immutable
    core::Provenance provenance;
};

class JobController : public QObject {
    Q_OBJECT
  public:
    explicit JobController(core::Engine& engine, QObject* parent = nullptr);
    ~JobController() override; // cancels what is left

    JobNumber submit(pipelines::ImageRequest request);
    void cancel(JobNumber number);
    void cancelAll();
    void stopAfterThis(JobNumber number);
    // Takes an ended job off the list.
    void remove(JobNumber number);
    // The same request again, at the end of the list.
    JobNumber retry(JobNumber number);

    const std::vector<Job>& jobs() const { return m_jobs; }
    const Job* find(JobNumber number) const;
    const Job* active() const; // nullptr: nothing runs
    const Job* first() const;  // the active one, else the next in line; nullptr while idle
    int waitingCount() const;
    bool busy() const; // something runs or waits

  signals:
    void jobAdded(int number);
    void jobChanged(int number);
    void jobRemoved(int number);
    void pictureBegun(int number, qint64 picture);
    void previewReady(int number, qint64 picture, const QImage& image);
    void pictureReady(int number, qint64 picture, const ResultPicture& result);
    void jobEnded(int number);

  private:
    struct Gate;
    void receive(JobNumber number, const core::EngineEvent& event, const QImage& image,
                 const QImage& thumbnail, std::shared_ptr<const core::Image> source);
    void finish(Job& job, JobState state);
    Job* findJob(JobNumber number);

    core::Engine& m_engine;
    std::shared_ptr<Gate> m_gate; // shared with sinks that the engine may hold longer than we live
    std::vector<Job> m_jobs;
    JobNumber m_lastNumber = 0;
};

} // namespace kinora::app
