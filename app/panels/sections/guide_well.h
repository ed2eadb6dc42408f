#pragma once
// A picture well that shows the file that a request names, as the net will see it.

#include "app/widgets/picture_well.h"

#include <string>

namespace kinora::app {

class GuidePictures;

class GuideWell : public PictureWell {
    Q_OBJECT
  public:
    // what: "The picture that the net follows", for screen readers and the tooltip.
    GuideWell(const Theme& theme, GuidePictures& pictures, const QString& what,
              QWidget* parent = nullptr);

    // file: empty where there is none yet. prepare: as a request names it.
    void showFile(const std::string& file, const std::string& prepare = "none");
    // Why there is nothing to see; empty where there is.
    QString problem() const { return m_problem; }

  signals:
    void picked(const std::string& file);
    void changed(); // the problem came or went

  private:
    void choose();
    void keep(const QImage& picture);

    GuidePictures& m_pictures;
    QString m_what;
    std::string m_file, m_prepare;
    QString m_problem;
};

} // namespace kinora::app
