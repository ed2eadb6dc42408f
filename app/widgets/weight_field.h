#pragma once
// How much something counts: a slider over what people use, and a number that may go beyond.

#include <QWidget>

namespace kinora::app {

class MarkedSlider;
class NumberField;
class Theme;

class WeightField : public QWidget {
    Q_OBJECT
  public:
    struct Range {
        double minimum, maximum; // of what is typed
        double sliderMinimum, sliderMaximum;
        double usual; // marked
    };
    // name: for screen readers; help: one line.
    WeightField(const Theme& theme, const QString& name, const QString& help, const Range& range,
                QWidget* parent = nullptr);

    double value() const;
    void setValue(double value); // says nothing
    NumberField* number() const { return m_number; }
    MarkedSlider* slider() const { return m_slider; }

  signals:
    void edited(double value); // by a person, at every change
    void finished();           // of a drag

  private:
    MarkedSlider* m_slider;
    NumberField* m_number;
};

} // namespace kinora::app
